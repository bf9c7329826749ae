"""A checkout's datasets: described, downloaded, verified."""
