"""What adapters are made of: deliveries and what is read from them, forms, times, places and signatures."""
