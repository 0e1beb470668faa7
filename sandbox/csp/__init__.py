"""The part of VMware's Cloud Services Platform that issues access tokens."""
