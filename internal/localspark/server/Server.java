package firesteel;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.nio.file.StandardCopyOption;
import java.security.SecureRandom;
import org.apache.spark.sql.connect.service.SparkConnectServer;
import org.apache.spark.sql.connect.service.SparkConnectService$;

/**
 * Starts Spark's Connect server and writes its port to a file. The server accepts only clients that
 * send the token of the environment. Only the caller's user can write to the file's folder, so the
 * port belongs to this server.
 *
 * <p>Spark's launcher sets Spark's settings as system properties before it calls main.
 */
public final class Server {
  static final String TOKEN = "SPARK_CONNECT_AUTHENTICATE_TOKEN";

  private Server() {}

  /** Starts the server; args[0] is the path of the file for the port. */
  public static void main(String[] args) {
    if (token().isEmpty()) {
      fail(TOKEN + " is not set");
    }
    prepare();
    Path file = Paths.get(args[0]);
    Thread announcer = new Thread(() -> announce(file), "firesteel");
    announcer.setDaemon(true);
    announcer.start();
    SparkConnectServer.main(new String[0]);
  }

  static String token() {
    String token = System.getenv(TOKEN);
    return token == null ? "" : token;
  }

  private static void prepare() {
    // A token in the settings would override the one of the environment.
    System.clearProperty("spark.connect.authenticate.token");
    if (!present("org.apache.spark.sql.connect.service.PreSharedKeyAuthenticationInterceptor")) {
      // Spark 3.5 does not support tokens.
      String key = "spark.connect.grpc.interceptor.classes";
      String others = System.getProperty(key, "");
      System.setProperty(key, others.isEmpty() ? TokenInterceptor.class.getName() : TokenInterceptor.class.getName() + "," + others);
    }
    FileServerGuard.request();
    if (!local()) {
      return; // the cluster's own settings hold
    }
    // Without this, any user of this machine could send objects to Spark's other ports, which
    // deserialize them.
    preset("spark.authenticate", "true");
    preset("spark.driver.bindAddress", "127.0.0.1");
    preset("spark.driver.host", "127.0.0.1");
    if (System.getProperty("spark.master").startsWith("local-cluster")) {
      preset("spark.authenticate.secret", secret()); // Spark creates one for the other masters
    }
  }

  /** Reports whether the driver and the executors are on this machine. */
  static boolean local() {
    return System.getProperty("spark.master", "").startsWith("local");
  }

  private static boolean present(String name) {
    try {
      Class.forName(name, false, Thread.currentThread().getContextClassLoader());
      return true;
    } catch (ClassNotFoundException e) {
      return false;
    }
  }

  private static void preset(String key, String value) {
    if (System.getProperty(key) == null) {
      System.setProperty(key, value);
    }
  }

  private static String secret() {
    byte[] bytes = new byte[32];
    new SecureRandom().nextBytes(bytes);
    StringBuilder hex = new StringBuilder();
    for (byte b : bytes) {
      hex.append(String.format("%02x", b));
    }
    return hex.toString();
  }

  /** Waits for the port of the Connect server and writes it to a file. */
  private static void announce(Path file) {
    try {
      int port;
      while ((port = port()) <= 0) {
        Thread.sleep(10);
      }
      Path fresh = file.resolveSibling(file.getFileName() + ".new");
      Files.write(fresh, Integer.toString(port).getBytes(StandardCharsets.US_ASCII));
      Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException | InterruptedException e) {
      fail("the server's port cannot be told: " + e);
    }
  }

  /** Returns the port, or 0 before the server listens. */
  private static int port() {
    try {
      return SparkConnectService$.MODULE$.localPort();
    } catch (AssertionError | IllegalStateException | NullPointerException e) {
      return 0;
    }
  }

  private static void fail(String what) {
    System.err.println("firesteel: " + what);
    System.exit(1);
  }
}
