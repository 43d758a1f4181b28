// The models of a server: each is loaded when it is first wanted, and leaves when others need its memory or
// when nobody wanted it for a while.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "backend/backend.h"
#include "engine/engine.h"
#include "serve/model_info.h"

namespace halcyon::serve {

struct LoadedModel {
  std::unique_ptr<backend::Device> device;
  std::unique_ptr<engine::Engine> engine;
  double seconds = 0;  ///< that loading took
};

/// What the store asks of whoever knows files and devices. Called from the store's own thread.
struct ModelLoader {
  std::function<Result<gguf::File>(const std::string& path)> open;
  std::function<Result<LoadedModel>(const std::string& path)> load;
  std::function<int32_t(const gguf::File& file)> context;         ///< positions of a request, once loaded
  std::function<uint64_t(const gguf::File& file)> memory_needed;  ///< bytes, once loaded
  std::function<uint64_t()> memory_available;                     ///< bytes
};

class ModelStore {
  struct Entry;

 public:
  using Clock = std::chrono::steady_clock;
  using KeepAlive = std::optional<std::chrono::milliseconds>;  ///< nothing: for ever

  /// A loaded model in use: it stays as long as this object does.
  class Lease {
   public:
    Lease(ModelStore& store, Entry& entry, std::shared_ptr<LoadedModel> model);
    ~Lease();
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    engine::Engine& engine() const { return *model_->engine; }
    const ModelInfo& info() const;
    double load_seconds() const { return load_seconds_; }  ///< that this request waited for loading

    /// How long the model stays after the last request, from now on; 0: leaves right after it.
    void keep_alive(KeepAlive time);

   private:
    friend class ModelStore;
    ModelStore& store_;
    Entry& entry_;
    std::shared_ptr<LoadedModel> model_;
    double load_seconds_ = 0;
  };

  /// Reads the heads of all files. The first model is the default one.
  static Result<std::unique_ptr<ModelStore>> open(const std::vector<ModelSource>& sources, ModelLoader loader,
                                                  KeepAlive keep_alive);

  /// Cancels what the engines do. No lease may be left.
  ~ModelStore();
  ModelStore(const ModelStore&) = delete;
  ModelStore& operator=(const ModelStore&) = delete;

  size_t size() const { return entries_.size(); }
  const ModelInfo& info(size_t index) const;

  /// The model of a name as clients write it: with or without ":latest"; the default one if it is empty.
  std::optional<size_t> find(std::string_view name) const;

  /// Hands a lease to `ready` as soon as the model is loaded, or the reason why it can't be: at once, from
  /// this thread, or later from the store's. `ready` must not wait.
  void acquire(size_t index, std::function<void(Result<std::shared_ptr<Lease>>)> ready);

  /// What is in memory, without touching it.
  struct State {
    bool loaded = false;
    bool leaving = false;  ///< as soon as nothing uses it: others wait for its memory
    int32_t uses = 0;
    std::optional<Clock::time_point> expires;  ///< if nothing uses it until then
    std::optional<engine::Stats> stats;        ///< of its engine
    int32_t n_ctx = 0;                         ///< also while it is not loaded
    uint64_t weight_bytes = 0;
  };
  State state(size_t index) const;

 private:
  ModelStore(ModelLoader loader, KeepAlive keep_alive);

  void work();  ///< the store's thread
  void release(Entry& entry);
  void load_next(std::unique_lock<std::mutex>& lock);
  bool make_room(std::unique_lock<std::mutex>& lock, uint64_t needed);
  void unload(std::unique_lock<std::mutex>& lock, Entry& entry);
  void hand_out(std::unique_lock<std::mutex>& lock, Entry& entry,
                const Result<std::shared_ptr<LoadedModel>>& model, double seconds);
  std::shared_ptr<Lease> lease(Entry& entry);
  Entry* expired(Clock::time_point now);
  std::optional<Clock::time_point> next_expiry() const;

  const ModelLoader loader_;
  const KeepAlive default_keep_alive_;
  std::vector<std::unique_ptr<Entry>> entries_;

  mutable std::mutex mutex_;  // guards what follows, and the entries but for their info
  std::condition_variable changed_;
  std::deque<Entry*> wanted_;  ///< to be loaded, in this order
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace halcyon::serve
