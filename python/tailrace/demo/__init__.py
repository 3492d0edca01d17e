"""What `tailrace demo` needs besides the product: a warehouse that lives as long as the demo."""
