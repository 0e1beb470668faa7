"""VMware Cloud and AWS on this machine: test equipment, never imported by the product."""
