package localspark

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// launch is a command line with its surroundings.
type launch struct {
	path   string
	args   []string
	env    []string
	dir    string
	detach bool
}

// opened are the packages of java.base that Spark reaches into, as its own
// launcher opens them. The launcher is not used: it is a JVM more to start,
// and a shell between us and the server.
var opened = []string{
	"java.lang", "java.lang.invoke", "java.lang.reflect", "java.io", "java.net", "java.nio",
	"java.util", "java.util.concurrent", "java.util.concurrent.atomic", "jdk.internal.ref",
	"sun.nio.ch", "sun.nio.cs", "sun.security.action", "sun.util.calendar",
}

// plan writes the server's files below folder and gives its command line. What
// other users must not see stands in files and in the environment: they can
// read a command line.
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
	ours := filepath.Join(folder, "classes")
	if err := writeClasses(ours); err != nil {
		return launch{}, err
	}
	classes := []string{ours}
	jars, err := filepath.Glob(filepath.Join(spark.Home, "jars", "*.jar"))
	if err != nil {
		return launch{}, err
	}
	// The first binding of SLF4J wins; Spark's own command line does the same.
	slices.SortStableFunc(jars, func(a, b string) int { return slf4j(b) - slf4j(a) })
	classes = append(classes, jars...)
	// Last: its copies of some shaded classes are not whole.
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

// settings keep everything on loopback and below folder; o.Conf goes first.
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
	// Executors of their own get the jar sent; on their class path it would
	// come first, and it must come last.
	if spark.Connect != "" && !strings.HasPrefix(conf["spark.master"], "local[") && conf["spark.master"] != "local" {
		conf["spark.jars"] = joined(spark.Connect, conf["spark.jars"])
	}
	return conf
}

// dropped are variables that would make the server another one.
var dropped = []string{"SPARK_HOME=", "SPARK_REMOTE=", "SPARK_CONNECT_", "SPARK_API_MODE=", "SPARK_LOCAL_DIRS=", "SPARK_LOCAL_IP=", "SPARK_MASTER=", "SPARK_TESTING=", "SPARK_SCALA_VERSION=", "SPARK_PREPEND_CLASSES="}

// homeOfCluster is a SPARK_HOME below folder with Spark's jars. The workers of a
// local-cluster keep what executors log and get in their SPARK_HOME, where it
// would stay, and other users may read it.
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
		"SPARK_LOCAL_IP=127.0.0.1", // else a look-up of the machine's name
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

func joined(first, more string) string {
	if more == "" {
		return first
	}
	return first + "," + more
}

// log4j is brief, whatever the distribution's own settings are.
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
