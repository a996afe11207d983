"""A threshold of a router as a document that decides, is certified, exported and watched."""
