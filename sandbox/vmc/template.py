"""The CloudFormation template of a link, in the shape VMware's is known to have; its body is made up."""

from sandbox.modes import TemplateKind

INLINE_LIMIT_BYTES = 51_200
"""CloudFormation's limit for a template passed as TemplateBody."""

NOT_A_TEMPLATE = """<!doctype html>
<html><head><title>Sign in</title></head><body><p>Your session has ended. Please sign in.</p></body></html>
"""

_HEAD = """AWSTemplateFormatVersion: "2010-09-09"
Description: Links this AWS account to a VMware Cloud on AWS organization (sandbox)
"""

_ROLE = """  {name}:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Principal:
              AWS: arn:aws:iam::{trusted}:root
            Action: sts:AssumeRole
            Condition:
              StringEquals:
                sts:ExternalId: vmware-vmc
      ManagedPolicyArns:
        - arn:aws:iam::aws:policy/AmazonVPCCrossAccountNetworkInterfaceOperations
"""

_TRUSTED_ACCOUNTS = {
    "RemoteRole": "000000000101",
    "RemoteRolePayer": "000000000102",
    "RemoteRoleService": "000000000103",
}
"""Made up: VMware's account numbers are not public."""

_LAMBDA = """  BasicLambdaRole:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Principal:
              Service: lambda.amazonaws.com
            Action: sts:AssumeRole
      ManagedPolicyArns:
        - arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole
  LinkFunction:
    Type: AWS::Lambda::Function
    Properties:
      Description: Reports the account and its roles to VMware Cloud
      Runtime: python3.12
      Handler: index.handler
      Timeout: 60
      Role: !GetAtt BasicLambdaRole.Arn
      Code:
        ZipFile: |
          import cfnresponse


          def handler(event, context):
              # The sandbox plays this function itself: complete_link(LinkId, AccountNumber, ...).
              cfnresponse.send(event, context, cfnresponse.SUCCESS, {{}}, event["LogicalResourceId"])
  AccountLink:
    Type: Custom::VmcAccountLink
    Properties:
      ServiceToken: !GetAtt LinkFunction.Arn
      LinkId: {link_id}
      OrgId: {org_id}
      RoleArns:
        RemoteRole: !GetAtt RemoteRole.Arn
        RemoteRolePayer: !GetAtt RemoteRolePayer.Arn
        RemoteRoleService: !GetAtt RemoteRoleService.Arn
      StackName: !Ref AWS::StackName
      AccountNumber: !Ref AWS::AccountId
Outputs:
  RemoteRoleArn:
    Description: The role VMware Cloud assumes
    Value: !GetAtt RemoteRole.Arn
"""

_NOTE = '    - "Kept in step with the permissions that VMware Cloud on AWS needs in a linked account"\n'


def template_text(kind: TemplateKind, *, link_id: str, org_id: str) -> str:
    """What the template's URL of a link holds: YAML with CloudFormation's short forms, mostly."""
    if kind is TemplateKind.NOT_A_TEMPLATE:
        return NOT_A_TEMPLATE
    roles = "".join(_ROLE.format(name=name, trusted=number) for name, number in _TRUSTED_ACCOUNTS.items())
    text = f"{_HEAD}Resources:\n{roles}{_LAMBDA.format(link_id=link_id, org_id=org_id)}"
    if kind in {TemplateKind.LARGE, TemplateKind.LARGE_ON_SERVICE}:
        notes = INLINE_LIMIT_BYTES // len(_NOTE) + 1
        text += f"Metadata:\n  Notes:\n{_NOTE * notes}"
    if kind is TemplateKind.TWIN_KEYS:
        text += f"Outputs:\n  LinkId: {{Value: {link_id}}}\n"
    return text
