"""What the bucket keeps: garbage collection, checks and repair."""
