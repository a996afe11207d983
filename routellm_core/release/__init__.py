"""The making of what ships in `data/`."""
