"""Layer 3: what the guards say, the kernel holds."""
