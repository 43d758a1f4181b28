#include "measure/port.h"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <charconv>
#include <sstream>
#include <string_view>

#include "measure/resolve.h"
#include "probe/process_tree.h"

namespace halcyon::measure {
namespace {

namespace asio = boost::asio;

std::optional<uint16_t> port_number(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port > 0 ? std::optional(port)
                                                                              : std::nullopt;
}

constexpr std::string_view kPlace = "{port}";

/// Adds the ports in state "listen" of a table such as /proc/net/tcp (proc(5)).
void add_listening(const std::string& table, std::set<uint16_t>& ports) {
  std::istringstream lines(table);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string number, local, remote, state;
    fields >> number >> local >> remote >> state;
    if (state != "0A") continue;
    const std::string_view hex = std::string_view(local).substr(local.find(':') + 1);
    uint16_t port = 0;
    std::from_chars(hex.data(), hex.data() + hex.size(), port, 16);
    if (port > 0) ports.insert(port);
  }
}

}  // namespace

Result<uint16_t> free_port() {
  boost::system::error_code error;
  asio::io_context io;
  asio::ip::tcp::acceptor acceptor(io);
  const asio::ip::tcp::endpoint any(asio::ip::address_v4::loopback(), 0);
  acceptor.open(any.protocol(), error);
  if (!error) acceptor.bind(any, error);
  if (error) return fail("no port is free: {}", error.message());
  return acceptor.local_endpoint(error).port();
}

bool wants_port(const std::vector<std::string>& command) {
  return std::ranges::any_of(command, [](const std::string& word) { return word.contains(kPlace); });
}

std::vector<std::string> with_port(std::vector<std::string> command, uint16_t port) {
  for (std::string& word : command)
    for (size_t at; (at = word.find(kPlace)) != word.npos;)
      word.replace(at, kPlace.size(), std::to_string(port));
  return command;
}

std::optional<uint16_t> port_in(const std::vector<std::string>& command) {
  for (size_t i = 0; i < command.size(); ++i) {
    const std::string_view word = command[i];
    if (word.starts_with("--port=")) return port_number(word.substr(7));
    if (word == "--port" && i + 1 < command.size()) return port_number(command[i + 1]);
  }
  return std::nullopt;
}

std::set<uint16_t> listening_ports(const std::set<pid_t>& pids, const SystemRoot& root) {
  std::set<uint16_t> open, ours;
  for (const pid_t pid : pids)
    for (const char* table : {"tcp", "tcp6"})
      if (const Result<std::string> text = root.text(fmt::format("/proc/{}/net/{}", pid, table)))
        add_listening(*text, open);
  for (const uint16_t port : open) {
    const Result<pid_t> listener = probe::find_listener(port, root);
    if (listener && pids.contains(*listener)) ours.insert(port);
  }
  return ours;
}

bool is_here(const std::string& host) {
  using namespace std::chrono_literals;
  const auto endpoints = resolve(host, 0, std::chrono::steady_clock::now() + 10s, {});
  if (!endpoints) return false;
  // Only an address of this machine can be bound.
  return std::ranges::any_of(*endpoints, [](const asio::ip::tcp::endpoint& endpoint) {
    boost::system::error_code error;
    asio::io_context io;
    asio::ip::udp::socket socket(io);
    const asio::ip::udp::endpoint here(endpoint.address(), 0);
    socket.open(here.protocol(), error);
    if (!error) socket.bind(here, error);
    return !error;
  });
}

}  // namespace halcyon::measure
