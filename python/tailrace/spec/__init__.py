"""What a project's files may say, and reading them with every value's place.

The names that need pydantic live in modules of their own, imported where they are used: a run of
an unchanged project has no need of them.
"""
