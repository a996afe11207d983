"""Components that pages are drawn with."""
