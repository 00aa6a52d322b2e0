package firesteel;

import java.net.InetSocketAddress;
import java.net.SocketAddress;
import org.apache.spark.sql.connect.service.SparkConnectServer;
import org.sparkproject.connect.grpc.Grpc;
import org.sparkproject.connect.grpc.Metadata;
import org.sparkproject.connect.grpc.ServerCall;
import org.sparkproject.connect.grpc.ServerCallHandler;
import org.sparkproject.connect.grpc.ServerInterceptor;
import org.sparkproject.connect.grpc.Status;

/**
 * Refuses every call that does not come from this machine. Spark 3.5's Connect
 * server listens on all addresses, asks for no password, and runs what it is
 * told to; it cannot be bound to loopback, as Spark 4's can.
 */
public final class LoopbackOnly implements ServerInterceptor {
  /**
   * Starts the server. Spark's launcher, if asked for SparkConnectServer itself,
   * takes the application's jar for an argument and leaves it out.
   */
  public static void main(String[] args) {
    SparkConnectServer.main(args);
  }

  @Override
  public <A, B> ServerCall.Listener<A> interceptCall(
      ServerCall<A, B> call, Metadata headers, ServerCallHandler<A, B> next) {
    SocketAddress from = call.getAttributes().get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR);
    if (from instanceof InetSocketAddress
        && ((InetSocketAddress) from).getAddress().isLoopbackAddress()) {
      return next.startCall(call, headers);
    }
    call.close(Status.PERMISSION_DENIED.withDescription("this server answers its own machine only"), new Metadata());
    return new ServerCall.Listener<A>() {};
  }
}
