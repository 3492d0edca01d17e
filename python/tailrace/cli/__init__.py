"""The command line: `main` is the way in, each command a module that is loaded when called."""
