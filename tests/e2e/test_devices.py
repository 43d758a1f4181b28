"""halcyon devices: what this machine can run models on, what is in the way, and what fits."""
import json
import pathlib
import tempfile
import unittest

from cli import CliTestCase

GIB = 1 << 30


class Devices(CliTestCase):
    def strix_halo(self, gtt, **more):
        """A folder with what `halcyon devices` reads of a Strix Halo with 126 GiB."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        root = pathlib.Path(folder.name)
        card = "sys/class/drm/card0/device"
        node = "sys/class/kfd/kfd/topology/nodes/1/properties"
        files = {"proc/cpuinfo": "processor: 0\nmodel name: AMD RYZEN AI MAX+ 395 w/ Radeon 8060S\nflags: avx2 avx512f\n",
                 "proc/meminfo": f"MemTotal: {126 * GIB >> 10} kB\nMemAvailable: {120 * GIB >> 10} kB\n",
                 "proc/sys/kernel/osrelease": "6.18.6\n", f"{card}/uevent": "DRIVER=amdgpu\nPCI_ID=1002:1586\n",
                 f"{card}/mem_info_gtt_total": f"{gtt}\n", f"{card}/mem_info_vram_total": f"{GIB // 2}\n",
                 f"{card}/drm/renderD128/dev": "226:128\n",
                 node: "simd_count 80\ngfx_target_version 110501\ndrm_render_minor 128\n"} | more
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return root

    def test_this_machine(self):
        text = self.assert_ok("devices")
        self.assertRegex(text, r"\ACPU  +[^\n]+: \d+ sockets?, \d+ cores?, \d+ threads?\n")
        self.assertRegex(text, r"\nMemory +\d")
        self.assertRegex(text, r"\nSystem +Linux \d")
        self.assertRegex(text, r"\nVulkan ")
        self.assertIn("What fits, estimated", text)

    def test_this_machine_as_json(self):
        found = json.loads(self.assert_ok("devices", "--json", "--ctx", "4096"))
        self.assertGreater(found["memory"]["total"], found["memory"]["available"])
        self.assertGreater(found["cpu"]["cores"], 0)
        self.assertIsNone(found["cpu"]["read_bandwidth"])
        self.assertEqual(found["environment"]["kernel"],
                         pathlib.Path("/proc/sys/kernel/osrelease").read_text().strip())
        self.assertEqual(found["fits"]["context"], 4096)
        self.assertEqual((found["vulkan"]["devices"] is None), (found["vulkan"]["error"] is not None))

    def test_every_vulkan_device(self):
        found = json.loads(self.assert_ok("devices", "--json"))["vulkan"]
        if not found["devices"]:
            self.skipTest(f"no Vulkan device here: {found['error'] or 'install mesa-vulkan-drivers'}")
        for device in found["devices"]:
            self.assertTrue(device["name"] and device["driver"] and device["driver_version"])
            self.assertGreater(sum(heap["bytes"] for heap in device["heaps"] if heap["device_local"]), 0)
            self.assertGreater(device["max_memory_allocation_size"], 0)
            self.assertGreater(device["subgroup_size"], 0)
            for member in ("integer_dot_product", "fp16", "int8", "bf16", "host_pointer_import"):
                self.assertIsInstance(device[member], bool)

    def test_measures_the_bandwidth(self):
        measured = json.loads(self.assert_ok("devices", "--measure", "--json"))["cpu"]["read_bandwidth"]
        self.assertTrue(measured["measured"])
        self.assertEqual(sorted(measured["runs"])[len(measured["runs"]) // 2], measured["bytes_per_second"])
        self.assertGreaterEqual(measured["bytes"], 256 << 20)

    def test_strix_halo_before_and_after_the_setting(self):
        before = json.loads(self.assert_ok("devices", "--json", "--root", self.strix_halo(62 * GIB)))
        gtt = next(f for f in before["findings"] if f["id"] == "gtt")
        # An eighth of 126 GiB stays with the system: 110 GiB × 262144 pages of 4 KiB.
        self.assertEqual(gtt["settings"][0], "ttm.pages_limit=28835840 ttm.page_pool_size=28835840")
        self.assertEqual(before["cards"][0]["gfx"], "gfx1151")
        self.assertIsNone(before["vulkan"]["devices"])  # another machine's drivers can't be asked

        after = json.loads(self.assert_ok("devices", "--json", "--root", self.strix_halo(110 * GIB)))
        self.assertNotIn("gtt", [f["id"] for f in after["findings"]])

        def fits(found, model):
            place = [p["name"] for p in found["fits"]["places"]].index("card0 GTT")
            return [m["fits"][place] for m in found["fits"]["models"] if m["model"] == model]

        self.assertEqual(fits(before, "Llama 3.3 70B"), [True, False])
        self.assertEqual(fits(after, "Llama 3.3 70B"), [True, True])

    def test_known_bad_kernels_name_their_source(self):
        root = self.strix_halo(110 * GIB, **{"proc/sys/kernel/osrelease": "6.17.1\n"})
        text = self.assert_ok("devices", "--root", root)
        self.assertIn("Problem: kernel 6.17.1: ", text)
        self.assertIn("https://github.com/kyuz0/amd-strix-halo-toolboxes/issues/69", text)

    def test_usage_errors(self):
        self.assert_usage_error("devices", "--ctx", "0")
        self.assert_usage_error("devices", "--root", "/no/such/folder")
        self.assert_usage_error("devices", "--root", "/", "--measure")


if __name__ == "__main__":
    unittest.main()
