package firesteel;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.SingleThreadEventLoop;
import io.netty.util.concurrent.EventExecutor;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.apache.spark.SparkContext;
import org.apache.spark.SparkEnv;
import org.apache.spark.api.plugin.DriverPlugin;
import org.apache.spark.api.plugin.ExecutorPlugin;
import org.apache.spark.api.plugin.PluginContext;
import org.apache.spark.api.plugin.SparkPlugin;
import org.apache.spark.network.buffer.ManagedBuffer;
import org.apache.spark.network.client.RpcResponseCallback;
import org.apache.spark.network.client.StreamCallbackWithID;
import org.apache.spark.network.client.TransportClient;
import org.apache.spark.network.server.AbstractAuthRpcHandler;
import org.apache.spark.network.server.RpcHandler;
import org.apache.spark.network.server.StreamManager;
import org.apache.spark.network.server.TransportServer;
import org.apache.spark.network.server.TransportServerBootstrap;

/**
 * Protects the file server of Spark's driver. Any client can request files by name at the driver's
 * port, even with spark.authenticate, and up to Spark 4.2 a name such as
 * /artifacts/../../home/me/.ssh/id_rsa selects any file that the driver's user can read.
 *
 * <p>With this guard a connection must authenticate before it requests files if spark.authenticate
 * is on, and a name cannot leave its folder. The guard is a plugin of the driver, because Spark
 * starts plugins after it has opened the port and before executors connect.
 */
public final class FileServerGuard implements SparkPlugin {
  private static final String PLUGINS = "spark.plugins";

  /** Adds the guard to Spark's plugins. */
  static void request() {
    String others = System.getProperty(PLUGINS, "");
    System.setProperty(PLUGINS, FileServerGuard.class.getName() + (others.isEmpty() ? "" : "," + others));
  }

  @Override
  public DriverPlugin driverPlugin() {
    return new DriverPlugin() {
      @Override
      public Map<String, String> init(SparkContext context, PluginContext plugin) {
        // Executors start later and do not have this class.
        String others = context.conf().get(PLUGINS).replaceFirst("^[^,]*,?", "");
        context.conf().remove(PLUGINS);
        if (!others.isEmpty()) {
          context.conf().set(PLUGINS, others);
        }
        try {
          install(context.env());
        } catch (ReflectiveOperationException | RuntimeException | LinkageError e) {
          String what = "the port of Spark's driver is not guarded: " + e;
          if (Server.local()) {
            throw new IllegalStateException(what, e);
          }
          System.err.println("firesteel: " + what);
        }
        return Collections.emptyMap();
      }
    };
  }

  @Override
  public ExecutorPlugin executorPlugin() {
    return null;
  }

  /** Installs the guard for all connections to the driver's port. */
  private static void install(SparkEnv env) throws ReflectiveOperationException {
    TransportServer server = (TransportServer) field(env.rpcEnv(), "server");
    if (server == null) {
      return;
    }
    @SuppressWarnings("unchecked")
    List<TransportServerBootstrap> bootstraps = (List<TransportServerBootstrap>) field(server, "bootstraps");
    bootstraps.add((channel, handler) -> new Guarded(handler));
    // Older connections have no guard, so there must be none. A connection is set up in the thread of
    // its loop: connections after this task have the guard.
    ServerBootstrap netty = (ServerBootstrap) field(server, "bootstrap");
    for (EventExecutor loop : netty.config().childGroup()) {
      int early = loop.submit(() -> connections((SingleThreadEventLoop) loop)).syncUninterruptibly().getNow();
      if (early > 0) {
        throw new IllegalStateException("another program of this machine connected to it while Spark started; start again");
      }
    }
  }

  private static int connections(SingleThreadEventLoop loop) throws ReflectiveOperationException {
    int known = loop.registeredChannels();
    if (known >= 0) {
      return known;
    }
    // In Netty 4.2 the method is not public.
    for (Class<?> type = loop.getClass(); type != null; type = type.getSuperclass()) {
      try {
        Method count = type.getDeclaredMethod("getNumOfRegisteredChannels");
        count.setAccessible(true);
        return (Integer) count.invoke(loop);
      } catch (NoSuchMethodException e) {
        continue;
      }
    }
    throw new NoSuchMethodException("this Netty does not count its connections");
  }

  private static Object field(Object of, String name) throws ReflectiveOperationException {
    Field field = of.getClass().getDeclaredField(name);
    field.setAccessible(true);
    return field.get(of);
  }

  private static final class Guarded extends RpcHandler {
    private final RpcHandler inner;

    Guarded(RpcHandler inner) {
      this.inner = inner;
    }

    @Override
    public StreamManager getStreamManager() {
      return new Files(inner);
    }

    @Override
    public void receive(TransportClient client, ByteBuffer message, RpcResponseCallback callback) {
      inner.receive(client, message, callback);
    }

    @Override
    public void receive(TransportClient client, ByteBuffer message) {
      inner.receive(client, message);
    }

    @Override
    public StreamCallbackWithID receiveStream(TransportClient client, ByteBuffer header, RpcResponseCallback callback) {
      return inner.receiveStream(client, header, callback);
    }

    @Override
    public MergedBlockMetaReqHandler getMergedBlockMetaReqHandler() {
      return inner.getMergedBlockMetaReqHandler();
    }

    @Override
    public void channelActive(TransportClient client) {
      inner.channelActive(client);
    }

    @Override
    public void channelInactive(TransportClient client) {
      inner.channelInactive(client);
    }

    @Override
    public void exceptionCaught(Throwable cause, TransportClient client) {
      inner.exceptionCaught(cause, client);
    }
  }

  /** The driver's file server, which has streams but no chunks. */
  private static final class Files extends StreamManager {
    private final RpcHandler handler;
    private final StreamManager inner;

    Files(RpcHandler handler) {
      this.handler = handler;
      this.inner = handler.getStreamManager();
    }

    @Override
    public ManagedBuffer openStream(String name) {
      if (handler instanceof AbstractAuthRpcHandler && !((AbstractAuthRpcHandler) handler).isAuthenticated()) {
        throw new SecurityException("the connection is not authenticated");
      }
      for (String part : name.split("[/\\\\]")) {
        if (part.equals("..")) {
          throw new SecurityException("the name leads out of its folder");
        }
      }
      return inner.openStream(name);
    }

    @Override
    public ManagedBuffer getChunk(long stream, int chunk) {
      return inner.getChunk(stream, chunk);
    }

    @Override
    public void connectionTerminated(Channel channel) {
      inner.connectionTerminated(channel);
    }
  }
}
