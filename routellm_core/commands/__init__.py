"""The command line, a module a verb or two that belong together: options, work, lines."""
