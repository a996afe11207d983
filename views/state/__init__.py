"""State of a page: the link, inputs, attempts."""
