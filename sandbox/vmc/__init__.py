"""The part of the VMware Cloud on AWS API that links an AWS account."""
