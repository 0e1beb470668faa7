"""What people read: the terminal, the live table, the report."""
