package localspark

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// launch describes a process to start.
type launch struct {
	path   string
	args   []string
	env    []string
	dir    string
	detach bool
}

// opened lists the packages of java.base that Spark accesses by reflection.
// Spark's launcher opens the same packages. This package does not use the
// launcher, because it starts another JVM and a shell.
var opened = []string{
	"java.lang", "java.lang.invoke", "java.lang.reflect", "java.io", "java.net", "java.nio",
	"java.util", "java.util.concurrent", "java.util.concurrent.atomic", "jdk.internal.ref",
	"sun.nio.ch", "sun.nio.cs", "sun.security.action", "sun.util.calendar",
}

// plan writes the server's files to folder and returns its command line. Secrets
// are in files and in the environment, because other users can read the command
// line.
func plan(spark Distribution, java, folder, token string, o Options) (launch, error) {
	dir := o.Dir
	if dir == "" {
		dir = filepath.Join(folder, "work")
	}
	for _, d := range []string{"work", "tmp", "conf"} {
		if err := os.Mkdir(filepath.Join(folder, d), 0o700); err != nil {
			return launch{}, err
		}
	}
	logging := filepath.Join(folder, "conf", "log4j2.properties")
	if err := os.WriteFile(logging, []byte(log4j), 0o600); err != nil {
		return launch{}, err
	}
	conf := settings(spark, folder, o)
	properties := filepath.Join(folder, "conf", "server.properties")
	if err := writeProperties(properties, o.defaults(), conf); err != nil {
		return launch{}, err
	}
	serverClasses := filepath.Join(folder, "classes")
	if err := writeClasses(serverClasses); err != nil {
		return launch{}, err
	}
	classes := []string{serverClasses}
	jars, err := filepath.Glob(filepath.Join(spark.Home, "jars", "*.jar"))
	if err != nil {
		return launch{}, err
	}
	// SLF4J uses the first binding on the class path. Spark's own command line has
	// the same order.
	slices.SortStableFunc(jars, func(a, b string) int { return slf4j(b) - slf4j(a) })
	classes = append(classes, jars...)
	// The Connect jar must be last: its copies of some shaded classes are
	// incomplete.
	if spark.Connect != "" {
		classes = append(classes, spark.Connect)
	}

	args := []string{"-cp", strings.Join(classes, string(os.PathListSeparator)), "-Xmx" + conf["spark.driver.memory"], "-XX:+IgnoreUnrecognizedVMOptions"}
	if !o.FullJIT {
		args = append(args, "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
	}
	args = append(args, "--add-modules=jdk.incubator.vector")
	for _, name := range opened {
		args = append(args, "--add-opens=java.base/"+name+"=ALL-UNNAMED")
	}
	args = append(args,
		"--add-opens=java.security.jgss/sun.security.krb5=ALL-UNNAMED",
		"--sun-misc-unsafe-memory-access=allow",
		"--enable-native-access=ALL-UNNAMED",
		"-Djdk.reflect.useDirectMethodHandle=false",
		"-Dio.netty.tryReflectionSetAccessible=true",
		"-Dio.netty.allocator.type=pooled",
		"-Dlog4j2.configurationFile="+logging,
		"-Djava.io.tmpdir="+filepath.Join(folder, "tmp"),
		"-Dderby.system.home="+filepath.Join(folder, "work"),
		"org.apache.spark.deploy.SparkSubmit", "--properties-file", properties, "--class", serverClass, "spark-internal", portFile(folder))
	home := spark.Home
	if strings.HasPrefix(conf["spark.master"], "local-cluster") {
		if home, err = homeOfCluster(spark.Home, folder); err != nil {
			return launch{}, err
		}
	}
	return launch{path: java, args: args, env: append(environment(spark, home, folder, o), tokenVariable+"="+token), dir: dir}, nil
}

// settings returns the server's settings: it listens on loopback only and writes
// to folder only. o.Conf overrides them.
func settings(spark Distribution, folder string, o Options) map[string]string {
	master := o.Master
	if master == "" {
		master = "local[*]"
	}
	conf := map[string]string{
		"spark.master":                       master,
		"spark.app.name":                     "firesteel",
		"spark.connect.grpc.binding.address": "127.0.0.1",
		"spark.connect.grpc.binding.port":    strconv.Itoa(o.Port),
		"spark.driver.bindAddress":           "127.0.0.1",
		"spark.driver.host":                  "127.0.0.1",
		"spark.driver.memory":                "1g",
		"spark.local.dir":                    filepath.Join(folder, "tmp"),
		"spark.sql.catalogImplementation":    "in-memory",
		"spark.sql.warehouse.dir":            filepath.Join(folder, "work", "spark-warehouse"),
		"spark.ui.enabled":                   "false",
	}
	maps.Copy(conf, o.Conf)
	// Separate executors get the jar by spark.jars, which puts it last on the
	// class path, where it must be.
	if spark.Connect != "" && !strings.HasPrefix(conf["spark.master"], "local[") && conf["spark.master"] != "local" {
		conf["spark.jars"] = joinComma(spark.Connect, conf["spark.jars"])
	}
	return conf
}

// dropped lists environment variables that would change the server's settings.
var dropped = []string{"SPARK_HOME=", "SPARK_REMOTE=", "SPARK_CONNECT_", "SPARK_API_MODE=", "SPARK_LOCAL_DIRS=", "SPARK_LOCAL_IP=", "SPARK_MASTER=", "SPARK_TESTING=", "SPARK_SCALA_VERSION=", "SPARK_PREPEND_CLASSES="}

// homeOfCluster creates a SPARK_HOME in folder with Spark's jars. The workers of a
// local-cluster write the logs and files of executors to SPARK_HOME, where they
// would remain and other users might read them.
func homeOfCluster(spark, folder string) (string, error) {
	home := filepath.Join(folder, "home")
	if err := os.Mkdir(home, 0o700); err != nil {
		return "", err
	}
	return home, os.Symlink(filepath.Join(spark, "jars"), filepath.Join(home, "jars"))
}

func environment(spark Distribution, home, folder string, o Options) []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		return slices.ContainsFunc(dropped, func(prefix string) bool { return strings.HasPrefix(v, prefix) }) ||
			o.Home == "" && strings.HasPrefix(v, "SPARK_CONF_DIR=")
	})
	env = append(env,
		"SPARK_HOME="+home,
		"SPARK_LOCAL_IP=127.0.0.1", // otherwise Spark resolves the machine's name
		"SPARK_SCALA_VERSION="+spark.Scala,
	)
	if o.Home == "" {
		env = append(env, "SPARK_CONF_DIR="+filepath.Join(folder, "conf"))
	}
	return env
}

func slf4j(jar string) int {
	if strings.HasPrefix(filepath.Base(jar), "slf4j-api") {
		return 1
	}
	return 0
}

func joinComma(first, more string) string {
	if more == "" {
		return first
	}
	return first + "," + more
}

// log4j configures a short log. It replaces the distribution's own settings.
const log4j = `rootLogger.level = warn
rootLogger.appenderRef.stderr.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{yy/MM/dd HH:mm:ss} %p %c{1}: %m%n%ex
logger.python.name = org.apache.spark.api.python
logger.python.level = info
`
