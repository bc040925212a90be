package androidx.test.internal.platform.app;

/** Robolectric implements it; nobody here calls it. */
public interface ActivityInvoker {}
