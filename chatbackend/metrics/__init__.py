"""What Prometheus may ask each process for."""
