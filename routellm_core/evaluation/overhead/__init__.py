"""What a router itself costs: seconds and dollars."""
