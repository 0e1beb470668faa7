"""The stand-in for `pulumi-resource-aws`: what this repository's program uses of it, over boto3."""
