"""The other ways to a link, each as its users would write it: scripts in a process of their own."""
