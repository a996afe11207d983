"""What a page remembers: the link, inputs, attempts."""
