// SPDX-License-Identifier: GPL-2.0-only
#include "commands/findings.hpp"
#include "host/program.hpp"
#include "text/style.hpp"

#include <fmt/format.h>

namespace lm::ctl {

namespace {

std::string first_line(const std::string &text) {
    return printable(text.substr(0, text.find('\n')));
}

void examine_qemu(Findings &findings) {
    for (const char *program : {"qemu-system-x86_64", "qemu-kvm", "/usr/libexec/qemu-kvm"}) {
        const auto text = output_of({program, "--version"});
        if (!text)
            continue;
        const std::string line = first_line(*text);
        // 8.1 was the first with VFIO migration that is no experiment.
        const bool good = version_in(line) >= std::pair{8U, 1U};
        findings.push_back(
            {"qemu", "QEMU", good ? Grade::ok : Grade::note, line,
             good ? "" : "expected 8.1 or later (10.0 is what was tested): update it"});
        return;
    }
    findings.push_back({"qemu", "QEMU", Grade::note, "not found in PATH",
                        "install qemu-system-x86, or another VMM with VFIO migration"});
}

void examine_libvirt(Findings &findings) {
    for (const char *program : {"libvirtd", "virtqemud", "virsh"}) {
        const auto text = output_of({program, "--version"});
        if (!text)
            continue;
        const std::string line = first_line(*text);
        const bool good = version_in(line) >= std::pair{10U, 0U};
        findings.push_back({"libvirt", "libvirt", good ? Grade::ok : Grade::note, line,
                            good ? ""
                                 : "before 10.0.0 it does not pick nvme-vfio-pci by itself: use "
                                   "managed='no'"});
        return;
    }
    findings.push_back({"libvirt", "libvirt", Grade::ok, "not installed, not needed", ""});
}

} // namespace

void examine_vmms(Findings &findings) {
    examine_qemu(findings);
    examine_libvirt(findings);
}

} // namespace lm::ctl
