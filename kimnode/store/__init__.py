"""The database: one file, one writer task, one reader connection."""
