"""What we say to others: our own records as a numbered log in pages, and the same things as dumps and as Atom."""
