"""What DESIGN promises, measured on this machine: `make bench`. Nothing here fails because something was slow."""
