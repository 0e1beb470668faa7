// A pulumi-resource-aws with two things in it: aws:cloudformation/stack:Stack and aws:index/getCallerIdentity.
//
// Both are the Terraform AWS provider's own code behind the Pulumi Terraform bridge. This package only says which
// of its resources to offer and does what pulumi-aws does around them (inputs.go, credentials.go).
//
//	pulumi-resource-aws schema   writes schema.json and metadata.json beside the program, which needs them to serve
package main

import (
	"context"
	"encoding/json"
	"io"
	"log"
	"os"
	"path/filepath"

	"github.com/hashicorp/terraform-provider-aws/xpprovider"
	pftfbridge "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfgen"
	shim "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim"
	shimv2 "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/x/muxer"
	"github.com/pulumi/pulumi-terraform-bridge/v3/unstable/metadata"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag/colors"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
)

// version is that of the installed pulumi_aws, set by the linker: the engine asks for a plugin of that version.
var version string

const (
	stackResource  = "aws_cloudformation_stack"
	callerIdentity = "aws_caller_identity"
)

func main() {
	if version == "" {
		log.Fatal("built without a version: use -ldflags '-X main.version=…'")
	}
	program, err := os.Executable()
	if err != nil {
		log.Fatal(err)
	}
	folder := filepath.Dir(program)
	ctx := context.Background()
	if len(os.Args) > 1 && os.Args[1] == "schema" {
		if err := writeSchema(provider(ctx, []byte("{}")), folder); err != nil {
			log.Fatal(err)
		}
		return
	}
	pftfbridge.MainWithMuxer(ctx, "aws", provider(ctx, read(folder, "metadata.json")), read(folder, "schema.json"))
}

func read(folder, name string) []byte {
	content, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		log.Fatal(err)
	}
	return content
}

// provider describes to the bridge what of the Terraform provider is offered and how.
func provider(ctx context.Context, bridgeMetadata []byte) tfbridge.ProviderInfo {
	// The constructor logs a line for each service that it takes in; the engine would show them to the person.
	log.SetOutput(io.Discard)
	framework, sdk, err := xpprovider.GetProvider(ctx)
	log.SetOutput(os.Stderr)
	if err != nil {
		log.Fatal(err)
	}
	// It goes into the user agent; pulumi-aws sets the same.
	sdk.TerraformVersion = "1.0.0+compatible"

	info := tfbridge.ProviderInfo{
		P:            pftfbridge.MuxShimWithDisjointgPF(ctx, shimv2.NewProvider(sdk), framework),
		Name:         "aws",
		Version:      version,
		GitHubOrg:    "hashicorp",
		MetadataInfo: tfbridge.NewProviderMetadata(bridgeMetadata),
		SkipValidateProviderConfigForPluginFramework: true,
		EnableAccurateBridgePreview:                  true,
		EnableRawStateDelta:                          true,
		Config: map[string]*tfbridge.SchemaInfo{
			"region":                      {Default: &tfbridge.DefaultInfo{EnvVars: []string{"AWS_REGION", "AWS_DEFAULT_REGION"}}},
			"skip_region_validation":      {Default: &tfbridge.DefaultInfo{Value: true}},
			"skip_credentials_validation": {Default: &tfbridge.DefaultInfo{Value: false}},
			"skip_metadata_api_check":     {Type: "boolean"},
			"access_key":                  {Secret: tfbridge.True()},
			"secret_key":                  {Secret: tfbridge.True()},
			"token":                       {Secret: tfbridge.True()},
		},
		PreConfigureCallback: checkCredentialsOnce(),
		Resources: map[string]*tfbridge.ResourceInfo{
			stackResource: {
				Tok: tokens.Type("aws:cloudformation/stack:Stack"),
				Fields: map[string]*tfbridge.SchemaInfo{
					"name":     tfbridge.AutoName("name", 255, "-"),
					"tags_all": {MarkAsComputedOnly: tfbridge.True(), MarkAsOptional: tfbridge.False()},
				},
				PreCheckCallback: addRegionAndTags,
			},
		},
		DataSources: map[string]*tfbridge.DataSourceInfo{
			callerIdentity: {Tok: tokens.ModuleMember("aws:index/getCallerIdentity:getCallerIdentity")},
		},
	}
	// The bridge refuses a provider with parts that are neither offered nor ignored.
	info.P.ResourcesMap().Range(func(name string, _ shim.Resource) bool {
		if info.Resources[name] == nil {
			info.IgnoreMappings = append(info.IgnoreMappings, name)
		}
		return true
	})
	info.P.DataSourcesMap().Range(func(name string, _ shim.Resource) bool {
		if info.DataSources[name] == nil {
			info.IgnoreMappings = append(info.IgnoreMappings, name)
		}
		return true
	})
	return info
}

// writeSchema has the bridge work out the package's schema, and which of the provider's two halves serves what.
func writeSchema(info tfbridge.ProviderInfo, folder string) error {
	halves, err := info.P.(interface {
		ResolveDispatch(*tfbridge.ProviderInfo) (muxer.DispatchTable, error)
	}).ResolveDispatch(&info)
	if err != nil {
		return err
	}
	if err := metadata.Set(info.GetMetadata(), "mux", halves); err != nil {
		return err
	}
	sink := diag.DefaultSink(io.Discard, os.Stderr, diag.FormatOptions{Color: colors.Never})
	schema, err := tfgen.GenerateSchema(info, sink)
	if err != nil {
		return err
	}
	text, err := json.Marshal(schema)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "schema.json"), text, 0o644); err != nil {
		return err
	}
	known := (*metadata.Data)(info.MetadataInfo.Data).MarshalIndent()
	return os.WriteFile(filepath.Join(folder, "metadata.json"), known, 0o644)
}
