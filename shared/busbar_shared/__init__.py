"""What three services need; it knows none of them."""
