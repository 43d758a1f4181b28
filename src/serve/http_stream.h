// The bytes of one connection, plain or encrypted.
#pragma once

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/strand.hpp>
#include <optional>
#include <utility>

namespace halcyon::serve {

using Strand = boost::asio::strand<boost::asio::io_context::executor_type>;
using Socket = boost::asio::basic_stream_socket<boost::asio::generic::stream_protocol, Strand>;

/// All of it belongs to the socket's strand. One read and one write may be under way at a time.
class HttpStream {
 public:
  HttpStream(Socket socket, boost::asio::ssl::context* tls)
      : socket_(std::move(socket)), is_tls_(tls != nullptr) {
    if (tls) tls_.emplace(socket_, *tls);
    boost::system::error_code ignored;  // a Unix socket has no such option
    socket_.set_option(boost::asio::ip::tcp::no_delay(true), ignored);
    // The kernel would take megabytes for a client that does not read, and so hide that from us.
    socket_.set_option(boost::asio::socket_base::send_buffer_size(64 << 10), ignored);
  }

  Strand strand() { return socket_.get_executor(); }

  bool is_tls() const { return is_tls_; }

  /// `done(error)`; only if is_tls().
  template <class Done>
  void handshake(Done done) {
    tls_->async_handshake(boost::asio::ssl::stream_base::server, std::move(done));
  }

  /// For a client that turned out not to speak TLS.
  void become_plain() { is_tls_ = false; }

  /// `done(error, bytes)`
  template <class Done>
  void read_some(boost::asio::mutable_buffer buffer, Done done) {
    if (is_tls_)
      tls_->async_read_some(buffer, std::move(done));
    else
      socket_.async_read_some(buffer, std::move(done));
  }

  /// `done(error, bytes)`
  template <class Done>
  void write_some(boost::asio::const_buffer buffer, Done done) {
    if (is_tls_)
      tls_->async_write_some(buffer, std::move(done));
    else
      socket_.async_write_some(buffer, std::move(done));
  }

  /// Tells the client that nothing more comes. `done(error)` keeps the stream alive meanwhile.
  template <class Done>
  void finish(Done done) {
    boost::system::error_code error;
    if (is_tls_)
      tls_->async_shutdown(std::move(done));
    else
      socket_.shutdown(Socket::shutdown_send, error);
  }

  /// Ends whatever is under way with an error.
  void close() {
    boost::system::error_code ignored;
    socket_.close(ignored);
  }

 private:
  Socket socket_;
  std::optional<boost::asio::ssl::stream<Socket&>> tls_;
  bool is_tls_;
};

}  // namespace halcyon::serve
