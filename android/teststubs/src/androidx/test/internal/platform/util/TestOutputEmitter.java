package androidx.test.internal.platform.util;

/** Robolectric dumps threads to a test service that does not exist here. */
public final class TestOutputEmitter {
    private TestOutputEmitter() {}

    public static void dumpThreadStates(String name) {}
}
