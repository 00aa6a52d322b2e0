package firesteel;

import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import org.sparkproject.connect.grpc.Grpc;
import org.sparkproject.connect.grpc.Metadata;
import org.sparkproject.connect.grpc.ServerCall;
import org.sparkproject.connect.grpc.ServerCallHandler;
import org.sparkproject.connect.grpc.ServerInterceptor;
import org.sparkproject.connect.grpc.Status;

/**
 * Accepts only calls from this machine that send the token. Unlike Spark 4, the Connect server of
 * Spark 3.5 listens on all addresses and does not check a token, but it supports interceptors.
 */
public final class TokenInterceptor implements ServerInterceptor {
  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  private final byte[] expected = ("Bearer " + Server.token()).getBytes(StandardCharsets.UTF_8);

  @Override
  public <A, B> ServerCall.Listener<A> interceptCall(
      ServerCall<A, B> call, Metadata headers, ServerCallHandler<A, B> next) {
    SocketAddress from = call.getAttributes().get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR);
    if (!(from instanceof InetSocketAddress)
        || !((InetSocketAddress) from).getAddress().isLoopbackAddress()) {
      return refuse(call, Status.PERMISSION_DENIED.withDescription("this server answers its own machine only"));
    }
    String given = headers.get(AUTHORIZATION);
    if (given == null) {
      return refuse(call, Status.UNAUTHENTICATED.withDescription("No authentication token provided"));
    }
    if (!MessageDigest.isEqual(expected, given.getBytes(StandardCharsets.UTF_8))) {
      return refuse(call, Status.UNAUTHENTICATED.withDescription("Invalid authentication token"));
    }
    return next.startCall(call, headers);
  }

  private static <A, B> ServerCall.Listener<A> refuse(ServerCall<A, B> call, Status why) {
    call.close(why, new Metadata());
    return new ServerCall.Listener<A>() {};
  }
}
