package localspark

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/firesteel/firesteel/internal/network/maven"
)

// addConnect downloads the jar of the Connect server if the distribution lacks
// it. The jar has no dependencies: it contains gRPC and protobuf under its own
// package names.
func (d *Distribution) addConnect(ctx context.Context, o Options) error {
	if d.Home != "" {
		inside, err := filepath.Glob(filepath.Join(d.Home, "jars", "spark-connect_*.jar"))
		if err != nil || len(inside) > 0 {
			return err
		}
	}
	path, err := maven.Repository{URL: o.Maven, Client: o.client(), SHA512: connectJars}.Jar(ctx, fmt.Sprintf("org.apache.spark:spark-connect_%s:%s", d.Scala, d.Version))
	if err != nil {
		return fmt.Errorf("getting the Connect server, which is not part of Spark %s: %w", d.Version, err)
	}
	d.Connect = path
	return nil
}
