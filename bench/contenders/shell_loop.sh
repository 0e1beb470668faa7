#!/bin/sh
# A shell loop of `pulumi up`: one line a lab on standard input, "stack account key secret token".
set -eu
while read -r stack account key secret token; do
  AWS_ACCESS_KEY_ID=$key AWS_SECRET_ACCESS_KEY=$secret AWS_SESSION_TOKEN=$token
  export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
  pulumi stack init --non-interactive "$stack"
  pulumi config set --stack "$stack" awsAccountId "$account"
  pulumi config set --stack "$stack" --path tags.owner workshop
  pulumi up --stack "$stack" --non-interactive --yes --skip-preview </dev/null
  pulumi stack output --stack "$stack" connected_account_id
done < "$1"
