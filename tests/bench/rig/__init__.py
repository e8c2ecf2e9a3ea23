"""What every measurement needs: servers, load, the kernel's figures, tables."""
