"""Files on their way into the store: chosen, recognised, mapped, read aside, watched, added."""
