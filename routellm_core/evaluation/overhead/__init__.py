"""Overhead of a router itself: seconds and dollars."""
