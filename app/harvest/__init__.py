"""What other directories say, fetched, checked and kept: whole visits or nothing, and every record accounted for."""
