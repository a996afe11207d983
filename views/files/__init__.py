"""Files on their way into the store: chosen, recognised, mapped, read by a job, watched, added."""
