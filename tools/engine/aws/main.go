// pulumi-resource-aws with one resource: the real Terraform AWS provider's aws_cloudformation_stack and its data
// source aws_caller_identity, through the real Pulumi Terraform bridge.
//
//	pulumi-resource-aws schema   writes schema.json and metadata.json, which the next build embeds
package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"io"
	"log"
	"os"

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

// Version is that of the SDK which the engine asks for; set with -ldflags -X.
var Version = "7.51.1"

//go:embed schema.json
var schemaJSON []byte

//go:embed metadata.json
var metadataJSON []byte

const stackResource = "aws_cloudformation_stack"

var dataSources = map[string]string{
	"aws_caller_identity": "getCallerIdentity",
}

func main() {
	ctx := context.Background()
	info := provider(ctx)
	if len(os.Args) > 1 && os.Args[1] == "schema" {
		if err := generate(info); err != nil {
			log.Fatal(err)
		}
		return
	}
	pftfbridge.MainWithMuxer(ctx, "aws", info, schemaJSON)
}

func provider(ctx context.Context) tfbridge.ProviderInfo {
	log.SetOutput(io.Discard)
	framework, sdk, err := xpprovider.GetProvider(ctx)
	log.SetOutput(os.Stderr)
	if err != nil {
		log.Fatal(err)
	}
	sdk.TerraformVersion = "1.0.0+compatible"

	info := tfbridge.ProviderInfo{
		P:            pftfbridge.MuxShimWithDisjointgPF(ctx, shimv2.NewProvider(sdk), framework),
		Name:         "aws",
		Version:      Version,
		GitHubOrg:    "hashicorp",
		MetadataInfo: tfbridge.NewProviderMetadata(metadataJSON),
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
		PreConfigureCallback: validateCredentialsOnce(),
		Resources: map[string]*tfbridge.ResourceInfo{
			stackResource: {
				Tok: tokens.Type("aws:cloudformation/stack:Stack"),
				Fields: map[string]*tfbridge.SchemaInfo{
					"name":     tfbridge.AutoName("name", 255, "-"),
					"tags_all": {MarkAsComputedOnly: tfbridge.True(), MarkAsOptional: tfbridge.False()},
				},
				PreCheckCallback: fillRegionAndTags,
			},
		},
		DataSources: map[string]*tfbridge.DataSourceInfo{},
	}
	for source, function := range dataSources {
		info.DataSources[source] = &tfbridge.DataSourceInfo{
			Tok: tokens.ModuleMember("aws:index/" + function + ":" + function),
		}
	}
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

func generate(info tfbridge.ProviderInfo) error {
	dispatch, err := info.P.(interface {
		ResolveDispatch(*tfbridge.ProviderInfo) (muxer.DispatchTable, error)
	}).ResolveDispatch(&info)
	if err != nil {
		return err
	}
	if err := metadata.Set(info.GetMetadata(), "mux", dispatch); err != nil {
		return err
	}
	sink := diag.DefaultSink(io.Discard, os.Stderr, diag.FormatOptions{Color: colors.Never})
	spec, err := tfgen.GenerateSchema(info, sink)
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(spec, "", " ")
	if err != nil {
		return err
	}
	if err := os.WriteFile("schema.json", text, 0o644); err != nil {
		return err
	}
	return os.WriteFile("metadata.json", (*metadata.Data)(info.MetadataInfo.Data).MarshalIndent(), 0o644)
}
