#include "serve/model_store.h"

#include <pthread.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <system_error>

#include "base/quote.h"
#include "base/signals.h"

namespace halcyon::serve {

struct ModelStore::Entry {
  ModelInfo info;
  int32_t n_ctx = 0;
  std::shared_ptr<LoadedModel> model;  ///< while it is loaded
  int32_t uses = 0;
  bool leaving = false;  ///< no new uses: others wait for its memory
  Clock::time_point last_used;
  KeepAlive keep_alive;
  std::vector<std::function<void(Result<std::shared_ptr<Lease>>)>> waiting;

  std::optional<Clock::time_point> expires() const {
    if (!model || uses > 0 || !keep_alive) return std::nullopt;
    return last_used + *keep_alive;
  }
};

ModelStore::Lease::Lease(ModelStore& store, Entry& entry, std::shared_ptr<LoadedModel> model)
    : store_(store), entry_(entry), model_(std::move(model)) {}

ModelStore::Lease::~Lease() {
  model_.reset();
  store_.release(entry_);
}

const ModelInfo& ModelStore::Lease::info() const { return entry_.info; }

void ModelStore::Lease::keep_alive(KeepAlive time) {
  const std::lock_guard lock(store_.mutex_);
  entry_.keep_alive = time;
}

Result<std::unique_ptr<ModelStore>> ModelStore::open(const std::vector<ModelSource>& sources,
                                                     ModelLoader loader, KeepAlive keep_alive) {
  std::unique_ptr<ModelStore> store(new ModelStore(std::move(loader), keep_alive));
  for (const ModelSource& source : sources) {
    TRY(const gguf::File file, store->loader_.open(source.path));
    auto entry = std::make_unique<Entry>();
    TRY(entry->info, describe(file, source));
    if (store->find(entry->info.name))
      return fail("two models are called {}: give them names with --alias", quote(entry->info.name));
    entry->n_ctx = store->loader_.context(file);
    entry->keep_alive = keep_alive;
    store->entries_.push_back(std::move(entry));
  }
  if (store->entries_.empty()) return fail("there is no model to serve");
  const BlockSignals block;
  try {
    store->thread_ = std::thread(&ModelStore::work, store.get());
  } catch (const std::system_error& error) {
    return fail("the thread that loads models can't be started: {}", error.what());
  }
  return store;
}

ModelStore::ModelStore(ModelLoader loader, KeepAlive keep_alive)
    : loader_(std::move(loader)), default_keep_alive_(keep_alive) {}

ModelStore::~ModelStore() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

const ModelInfo& ModelStore::info(size_t index) const { return entries_[index]->info; }

std::optional<size_t> ModelStore::find(std::string_view name) const {
  constexpr std::string_view tag = ":latest";
  if (name.ends_with(tag)) name.remove_suffix(tag.size());
  if (name.empty() && !entries_.empty()) return 0;
  for (size_t i = 0; i < entries_.size(); ++i)
    if (entries_[i]->info.name == name) return i;
  return std::nullopt;
}

ModelStore::State ModelStore::state(size_t index) const {
  const std::lock_guard lock(mutex_);
  const Entry& entry = *entries_[index];
  State state{.loaded = entry.model != nullptr,
              .leaving = entry.leaving,
              .uses = entry.uses,
              .expires = entry.expires(),
              .stats = {},
              .n_ctx = entry.n_ctx};
  if (entry.model) {
    state.stats = entry.model->engine->stats();
    state.weight_bytes = entry.model->engine->executable().weight_bytes();
  }
  return state;
}

// With the lock held.
std::shared_ptr<ModelStore::Lease> ModelStore::lease(Entry& entry) {
  ++entry.uses;
  return std::make_shared<Lease>(*this, entry, entry.model);
}

void ModelStore::acquire(size_t index, std::function<void(Result<std::shared_ptr<Lease>>)> ready) {
  Entry& entry = *entries_[index];
  std::unique_lock lock(mutex_);
  if (entry.model && !entry.leaving) {
    std::shared_ptr<Lease> held = lease(entry);
    lock.unlock();
    ready(std::move(held));
    return;
  }
  entry.waiting.push_back(std::move(ready));
  if (std::ranges::find(wanted_, &entry) == wanted_.end()) wanted_.push_back(&entry);
  changed_.notify_one();
}

void ModelStore::release(Entry& entry) {
  {
    const std::lock_guard lock(mutex_);
    --entry.uses;
    entry.last_used = Clock::now();
    if (entry.uses > 0 || (!entry.keep_alive && wanted_.empty())) return;
  }
  changed_.notify_one();
}

std::optional<ModelStore::Clock::time_point> ModelStore::next_expiry() const {
  std::optional<Clock::time_point> next;
  for (const auto& entry : entries_)
    if (const auto at = entry->expires(); at && (!next || *at < *next)) next = at;
  return next;
}

ModelStore::Entry* ModelStore::expired(Clock::time_point now) {
  for (const auto& entry : entries_)
    if (const auto at = entry->expires(); at && *at <= now) return entry.get();
  return nullptr;
}

void ModelStore::work() {
  pthread_setname_np(pthread_self(), "models");
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (Entry* entry = expired(Clock::now())) {
      unload(lock, *entry);
    } else if (!wanted_.empty()) {
      load_next(lock);
    } else if (const auto at = next_expiry()) {
      changed_.wait_until(lock, *at);
    } else {
      changed_.wait(lock);
    }
  }
  for (const auto& entry : entries_) hand_out(lock, *entry, fail("the server is shutting down"), 0);
}

void ModelStore::load_next(std::unique_lock<std::mutex>& lock) {
  Entry& entry = *wanted_.front();
  if (entry.model && entry.leaving) {  // it is wanted again before it has left
    if (entry.uses > 0) return changed_.wait(lock);
    unload(lock, entry);
  }
  const std::string path = entry.info.path;
  lock.unlock();
  Result<gguf::File> file = loader_.open(path);
  const uint64_t needed = file ? loader_.memory_needed(*file) : 0;
  lock.lock();
  if (file && !make_room(lock, needed)) return;  // something has changed: look again

  lock.unlock();
  spdlog::info("loading {}", entry.info.name);
  Result<std::shared_ptr<LoadedModel>> model;
  if (!file) {
    model = forward_error(file);
  } else if (Result<LoadedModel> loaded = loader_.load(path)) {
    model = std::make_shared<LoadedModel>(std::move(*loaded));
    spdlog::info("{} is loaded: {:.2f} s, {:.0f} MB of weights", entry.info.name, (*model)->seconds,
                 static_cast<double>((*model)->engine->executable().weight_bytes()) / 1e6);
  } else {
    model = forward_error(loaded);
    spdlog::error("{} can't be loaded: {}", entry.info.name, model.error().message);
  }
  lock.lock();
  std::erase(wanted_, &entry);
  if (model) {
    entry.model = *model;
    entry.leaving = false;
    entry.keep_alive = default_keep_alive_;
    entry.last_used = Clock::now();
  }
  hand_out(lock, entry, model, model ? (*model)->seconds : 0);
}

// True if there is memory, or nothing left that could be unloaded for it. Else a model was unloaded or waited
// for.
bool ModelStore::make_room(std::unique_lock<std::mutex>& lock, uint64_t needed) {
  std::vector<Entry*> loaded;
  for (const auto& entry : entries_)
    if (entry->model) loaded.push_back(entry.get());
  if (loaded.empty() || loader_.memory_available() >= needed) {
    for (Entry* entry : loaded) entry->leaving = false;
    return true;
  }
  const auto idle = [](const Entry* entry) { return entry->uses == 0; };
  std::ranges::sort(loaded, {}, &Entry::last_used);
  if (const auto first = std::ranges::find_if(loaded, idle); first != loaded.end()) {
    unload(lock, **first);
  } else {
    // One at a time: the least recently used, and that one until it has left.
    if (std::ranges::find(loaded, true, &Entry::leaving) == loaded.end()) loaded.front()->leaving = true;
    changed_.wait(lock);
  }
  return false;
}

void ModelStore::unload(std::unique_lock<std::mutex>& lock, Entry& entry) {
  std::shared_ptr<LoadedModel> model = std::move(entry.model);
  entry.model = nullptr;
  entry.leaving = false;
  lock.unlock();
  model.reset();
  spdlog::info("{} is unloaded", entry.info.name);
  lock.lock();
}

void ModelStore::hand_out(std::unique_lock<std::mutex>& lock, Entry& entry,
                          const Result<std::shared_ptr<LoadedModel>>& model, double seconds) {
  auto waiting = std::exchange(entry.waiting, {});
  std::vector<std::shared_ptr<Lease>> leases;
  if (model)
    for (size_t i = 0; i < waiting.size(); ++i) {
      leases.push_back(lease(entry));
      leases.back()->load_seconds_ = seconds;
    }
  lock.unlock();
  for (size_t i = 0; i < waiting.size(); ++i) {
    if (model) {
      waiting[i](std::exchange(leases[i], nullptr));
    } else {
      waiting[i](std::unexpected(model.error()));
    }
  }
  lock.lock();
}

}  // namespace halcyon::serve
