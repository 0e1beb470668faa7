"""What a crash left behind: locks, pending operations, processes."""
