package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	awsbase "github.com/hashicorp/aws-sdk-go-base/v2"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	shim "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// checkCredentialsOnce returns a callback that asks AWS STS whose credentials these are, before the Terraform provider
// is configured. Only the first call in a process asks: the engine checks and configures each provider, and one
// report of bad credentials is enough.
func checkCredentialsOnce() func(resource.PropertyMap, shim.ResourceConfig) error {
	var asked atomic.Bool
	return func(arguments resource.PropertyMap, _ shim.ResourceConfig) error {
		skip, err := flag(arguments, "skipCredentialsValidation", "AWS_SKIP_CREDENTIALS_VALIDATION")
		if err != nil || skip != nil && *skip || !asked.CompareAndSwap(false, true) {
			return err
		}
		return checkCredentials(arguments)
	}
}

func checkCredentials(arguments resource.PropertyMap) error {
	config, err := credentialsConfig(arguments)
	if err != nil {
		return err
	}
	_, _, problems := awsbase.GetAwsConfig(context.Background(), config)
	if !problems.HasError() {
		return nil
	}
	var details []string
	for _, problem := range problems {
		detail := problem.Summary()
		if problem.Detail() != "" {
			detail += ". " + problem.Detail()
		}
		details = append(details, detail)
	}
	// pulumi-aws's own words, where it has no advice for the case.
	reason := fmt.Sprintf("unable to validate AWS credentials.\nDetails: %s\n", strings.Join(details, "\n"))
	return tfbridge.CheckFailureError{Failures: []tfbridge.CheckFailureErrorElement{{Reason: reason}}}
}

// credentialsConfig is what decides whose credentials are used and where STS is. Without files given, AWS's SDK reads
// the usual ones itself. How long a role is assumed for, and with which policy, makes no difference to who it is.
func credentialsConfig(arguments resource.PropertyMap) (*awsbase.Config, error) {
	config := &awsbase.Config{
		AccessKey:              text(arguments, "accessKey", "AWS_ACCESS_KEY_ID"),
		SecretKey:              text(arguments, "secretKey", "AWS_SECRET_ACCESS_KEY"),
		Token:                  text(arguments, "token", "AWS_SESSION_TOKEN"),
		Profile:                text(arguments, "profile", "AWS_PROFILE"),
		Region:                 text(arguments, "region", "AWS_REGION", "AWS_DEFAULT_REGION"),
		StsEndpoint:            endpoint(arguments, "sts"),
		SsoEndpoint:            endpoint(arguments, "sso"),
		StsRegion:              text(arguments, "stsRegion"),
		SharedConfigFiles:      texts(arguments, "sharedConfigFiles"),
		SharedCredentialsFiles: texts(arguments, "sharedCredentialsFiles"),
		CallerName:             "Pulumi AWS Classic",
		CallerDocumentationURL: "https://www.pulumi.com/registry/packages/aws/installation-configuration/",
	}
	for _, role := range objects(arguments, "assumeRoles") {
		config.AssumeRole = append(config.AssumeRole, awsbase.AssumeRole{
			RoleARN: text(role, "roleArn"), ExternalID: text(role, "externalId"), SessionName: text(role, "sessionName"),
		})
	}
	if given := arguments["assumeRoleWithWebIdentity"]; given.IsObject() {
		role := given.ObjectValue()
		config.AssumeRoleWithWebIdentity = &awsbase.AssumeRoleWithWebIdentity{
			RoleARN:              text(role, "roleArn"),
			SessionName:          text(role, "sessionName"),
			WebIdentityToken:     text(role, "webIdentityToken"),
			WebIdentityTokenFile: text(role, "webIdentityTokenFile"),
		}
	}
	skip, err := flag(arguments, "skipMetadataApiCheck", "AWS_SKIP_METADATA_API_CHECK")
	if skip != nil {
		config.EC2MetadataServiceEnableState = imds.ClientEnabled
		if *skip {
			config.EC2MetadataServiceEnableState = imds.ClientDisabled
		}
	}
	return config, err
}

// endpoint is a service's address in `endpoints`, a list of objects whose keys are services; "" if it isn't there.
func endpoint(arguments resource.PropertyMap, service resource.PropertyKey) string {
	for _, services := range objects(arguments, "endpoints") {
		if address := text(services, service); address != "" {
			return address
		}
	}
	return ""
}

func text(properties resource.PropertyMap, key resource.PropertyKey, variables ...string) string {
	if value := properties[key]; value.IsString() {
		return value.StringValue()
	}
	for _, name := range variables {
		if value, ok := os.LookupEnv(name); ok {
			return value
		}
	}
	return ""
}

func texts(properties resource.PropertyMap, key resource.PropertyKey) []string {
	var found []string
	if list := properties[key]; list.IsArray() {
		for _, value := range list.ArrayValue() {
			if value.IsString() {
				found = append(found, value.StringValue())
			}
		}
	}
	return found
}

func objects(properties resource.PropertyMap, key resource.PropertyKey) []resource.PropertyMap {
	var found []resource.PropertyMap
	if list := properties[key]; list.IsArray() {
		for _, value := range list.ArrayValue() {
			if value.IsObject() {
				found = append(found, value.ObjectValue())
			}
		}
	}
	return found
}

// flag is a switch's value, nil where it is set nowhere.
func flag(properties resource.PropertyMap, key resource.PropertyKey, variable string) (*bool, error) {
	if value := properties[key]; value.IsBool() {
		answer := value.BoolValue()
		return &answer, nil
	}
	value, ok := os.LookupEnv(variable)
	if !ok {
		return nil, nil
	}
	answer, err := strconv.ParseBool(value)
	if err != nil {
		return nil, fmt.Errorf("%s is %q: use true or false", variable, value)
	}
	return &answer, nil
}
