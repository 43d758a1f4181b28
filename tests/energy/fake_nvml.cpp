// A library with the part of NVML's ABI that Halcyon uses, for two GPUs. FAKE_… choose what it can't do.
extern "C" {

#ifndef FAKE_WITHOUT_INIT
int nvmlInit_v2() {
#ifdef FAKE_BROKEN
  return 9;
#else
  return 0;
#endif
}
#endif

int nvmlShutdown() { return 0; }

const char* nvmlErrorString(int status) { return status == 9 ? "Driver Not Loaded" : "Not Supported"; }

int nvmlDeviceGetCount_v2(unsigned* count) {
  *count = 2;
  return 0;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void** device) {
  static int devices[2];
  *device = &devices[index];
#ifdef FAKE_LOST
  return index == 1 ? 15 : 0;
#else
  return 0;
#endif
}

/// Goes up by 1.5 J whenever it is asked.
int nvmlDeviceGetTotalEnergyConsumption(void*, unsigned long long* millijoules) {
#ifdef FAKE_WITHOUT_COUNTER
  *millijoules = 0;
  return 3;
#else
  static unsigned long long counted = 1'000'000;
  *millijoules = counted += 1500;
  return 0;
#endif
}

#ifndef FAKE_WITHOUT_POWER
int nvmlDeviceGetPowerUsage(void*, unsigned* milliwatts) {
  *milliwatts = 70'250;
  return 0;
}
#endif
}
