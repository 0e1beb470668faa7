// A pulumi-language-nodejs with today's code generation.
//
// Pulumi's own host is in a Go module that is not served. The last release that is, in runtime/, runs programs, but
// is older than GeneratePackage, by which `pulumi package gen-sdk` makes a package's SDK. This program answers that
// call with the generator that Pulumi's own host has, and passes on those that run a program.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/pulumi/pulumi/pkg/v3/codegen/nodejs"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
	"github.com/pulumi/pulumi/pkg/v3/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/emptypb"
)

const generator = "pulumi-language-nodejs"

type host struct {
	pulumirpc.UnimplementedLanguageRuntimeServer
	runtime pulumirpc.LanguageRuntimeClient
}

func main() {
	log.SetFlags(0)
	runtime, err := startRuntime(os.Args[1:])
	if err != nil {
		log.Fatal(err)
	}
	server, err := rpcutil.ServeWithOptions(rpcutil.ServeOptions{
		Init: func(server *grpc.Server) error {
			pulumirpc.RegisterLanguageRuntimeServer(server, &host{runtime: runtime})
			return nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(server.Port)
	log.Fatal(<-server.Done)
}

// startRuntime starts the host beside this program with the same arguments; it ends when the engine does.
func startRuntime(arguments []string) (pulumirpc.LanguageRuntimeClient, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	command := exec.Command(filepath.Join(filepath.Dir(program), generator+"-runtime"), arguments...)
	command.Stderr = os.Stderr
	output, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	reader := bufio.NewReader(output)
	port, err := reader.ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("%s has told no port: %w", command.Path, err)
	}
	go func() {
		_, _ = io.Copy(os.Stdout, reader)
		log.Fatalf("%s has ended: %v", command.Path, command.Wait())
	}()
	connection, err := grpc.NewClient(
		"127.0.0.1:"+strings.TrimSpace(port),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		rpcutil.GrpcChannelOptions(),
	)
	if err != nil {
		return nil, err
	}
	return pulumirpc.NewLanguageRuntimeClient(connection), nil
}

// GeneratePackage writes the SDK of a package.
func (*host) GeneratePackage(
	_ context.Context, request *pulumirpc.GeneratePackageRequest,
) (*pulumirpc.GeneratePackageResponse, error) {
	loader, err := schema.NewLoaderClient(request.LoaderTarget)
	if err != nil {
		return nil, err
	}
	defer loader.Close()
	packages := schema.NewCachedLoader(loader)
	var spec schema.PackageSpec
	if err := json.Unmarshal([]byte(request.Schema), &spec); err != nil {
		return nil, err
	}
	bound, found, err := schema.BindSpec(spec, packages, schema.ValidationOptions{AllowDanglingReferences: true})
	if err != nil {
		return nil, err
	}
	response := &pulumirpc.GeneratePackageResponse{Diagnostics: plugin.HclDiagnosticsToRPCDiagnostics(found)}
	if found.HasErrors() {
		return response, nil
	}
	files, err := nodejs.GeneratePackage(
		generator, bound, request.ExtraFiles, request.LocalDependencies, request.Local, packages)
	if err != nil {
		return nil, err
	}
	for name, content := range files {
		file := filepath.Join(request.Directory, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(file, content, 0o644); err != nil {
			return nil, err
		}
	}
	return response, nil
}

// What runs a program is passed on.

func (h *host) GetRequiredPlugins(
	ctx context.Context, request *pulumirpc.GetRequiredPluginsRequest,
) (*pulumirpc.GetRequiredPluginsResponse, error) {
	return h.runtime.GetRequiredPlugins(ctx, request)
}

func (h *host) Run(ctx context.Context, request *pulumirpc.RunRequest) (*pulumirpc.RunResponse, error) {
	return h.runtime.Run(ctx, request)
}

func (h *host) GetPluginInfo(ctx context.Context, request *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return h.runtime.GetPluginInfo(ctx, request)
}

func (h *host) About(ctx context.Context, request *pulumirpc.AboutRequest) (*pulumirpc.AboutResponse, error) {
	return h.runtime.About(ctx, request)
}

func (h *host) GetProgramDependencies(
	ctx context.Context, request *pulumirpc.GetProgramDependenciesRequest,
) (*pulumirpc.GetProgramDependenciesResponse, error) {
	return h.runtime.GetProgramDependencies(ctx, request)
}

func (h *host) InstallDependencies(
	request *pulumirpc.InstallDependenciesRequest,
	engine grpc.ServerStreamingServer[pulumirpc.InstallDependenciesResponse],
) error {
	runtime, err := h.runtime.InstallDependencies(engine.Context(), request)
	if err != nil {
		return err
	}
	for {
		response, err := runtime.Recv()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := engine.Send(response); err != nil {
			return err
		}
	}
}
