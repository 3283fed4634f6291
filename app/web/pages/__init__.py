"""The HTML of the routes: each function takes (Asking, subject) and returns a page, and is named in its room's table of variants."""
