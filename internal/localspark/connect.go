package localspark

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/firesteel/firesteel/internal/network/maven"
)

// addConnect makes sure that the Connect server is there. Its jar is whole: it
// carries gRPC and protobuf under names of its own.
func (d *Distribution) addConnect(ctx context.Context, o Options) error {
	if d.Home != "" {
		inside, err := filepath.Glob(filepath.Join(d.Home, "jars", "spark-connect_*.jar"))
		if err != nil || len(inside) > 0 {
			return err
		}
	}
	path, err := maven.Repository{URL: o.Maven, Client: o.client(), SHA512: connectJars}.Jar(ctx, fmt.Sprintf("org.apache.spark:spark-connect_%s:%s", d.Scala, d.Version))
	if err != nil {
		return fmt.Errorf("Spark %s carries no Connect server, and its jar cannot be had: %w", d.Version, err)
	}
	d.Connect = path
	return nil
}
