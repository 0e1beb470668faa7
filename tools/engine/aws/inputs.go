package main

import (
	"context"
	"maps"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// addRegionAndTags makes the provider's region and default tags inputs of a resource before its Check, as pulumi-aws
// does: a change of either in the provider is then a difference in the resource.
func addRegionAndTags(
	_ context.Context, inputs resource.PropertyMap, provider resource.PropertyMap,
) (resource.PropertyMap, error) {
	filled := inputs.Copy()
	if given, ok := filled["region"]; !ok || given.IsNull() {
		if region, ok := provider["region"]; ok && !region.IsNull() {
			filled["region"] = region
		}
	}
	own := inputs["tags"]
	if resource.NewObjectProperty(provider).ContainsUnknowns() || own.ContainsUnknowns() {
		filled["tagsAll"] = resource.NewOutputProperty(resource.Output{Known: false})
		return filled, nil
	}
	all := resource.PropertyMap{}
	if defaults := provider["defaultTags"]; defaults.IsObject() {
		if tags := defaults.ObjectValue()["tags"]; tags.IsObject() {
			maps.Copy(all, tags.ObjectValue())
		}
	}
	if own.IsObject() {
		maps.Copy(all, own.ObjectValue())
	}
	filled["tagsAll"] = resource.NewObjectProperty(all)
	return filled, nil
}
